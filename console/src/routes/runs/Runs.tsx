// Placeholder.
export function Runs() {
  return null;
}
