// Placeholder.
export function Job() {
  return null;
}
