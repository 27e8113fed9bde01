// Placeholder.
export function Users() {
  return null;
}
