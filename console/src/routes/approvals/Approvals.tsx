// Placeholder.
export function Approvals() {
  return null;
}
