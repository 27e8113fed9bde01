// Placeholder.
export function Errors() {
  return null;
}
