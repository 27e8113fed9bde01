// Placeholder.
export function EditWebhook() {
  return null;
}
