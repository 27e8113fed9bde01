// Placeholder.
export function Teams() {
  return null;
}
