// Placeholder.
export function Home() {
  return null;
}
