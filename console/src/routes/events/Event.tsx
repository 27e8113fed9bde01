// Placeholder.
export function Event() {
  return null;
}
