// Placeholder.
export function Kapps() {
  return null;
}
