// Placeholder.
export function RunPage() {
  return null;
}
