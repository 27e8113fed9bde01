// Placeholder.
export function Jobs() {
  return null;
}
