// Placeholder.
export function Trees() {
  return null;
}
