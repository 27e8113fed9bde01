// Placeholder.
export function Datastore() {
  return null;
}
