// Placeholder.
export function NewWebhook() {
  return null;
}
