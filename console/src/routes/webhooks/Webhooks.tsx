// Placeholder.
export function Webhooks() {
  return null;
}
