// Placeholder.
export function TreePage() {
  return null;
}
