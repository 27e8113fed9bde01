// Handlers in the words of people.

export type HandlerKind =
  | 'start'
  | 'end'
  | 'wait'
  | 'defer'
  | 'join'
  | 'loop'
  | 'record'
  | 'http'
  | 'mail'
  | 'routine'
  | 'pass'
  | 'other';

interface Handler {
  label: string;
  kind: HandlerKind;
}

const KNOWN: Record<string, Handler> = {
  system_start: { label: 'Start', kind: 'start' },
  system_tree_return: { label: 'Return', kind: 'end' },
  system_wait: { label: 'Wait', kind: 'wait' },
  utilities_defer: { label: 'Wait for an answer', kind: 'defer' },
  utilities_create_trigger: { label: 'Answer a waiting node', kind: 'defer' },
  utilities_echo: { label: 'Echo', kind: 'pass' },
  system_noop: { label: 'Pass', kind: 'pass' },
  system_join: { label: 'Join', kind: 'join' },
  system_junction: { label: 'Junction', kind: 'join' },
  system_loop_head: { label: 'Loop', kind: 'loop' },
  system_loop_tail: { label: 'End of loop', kind: 'loop' },
  system_submission_create: { label: 'Create a submission', kind: 'record' },
  system_submission_update: { label: 'Update a submission', kind: 'record' },
  kapok_submission_create: { label: 'Create a submission', kind: 'record' },
  kapok_submission_update: { label: 'Update a submission', kind: 'record' },
  kapok_http_request: { label: 'HTTP request', kind: 'http' },
  system_http_request: { label: 'HTTP request', kind: 'http' },
  system_integration: { label: 'Connection', kind: 'http' },
  kinetic_core_api: { label: 'Core API', kind: 'http' },
  smtp_email_send: { label: 'Send mail', kind: 'mail' },
};

export function handler(definitionId: string): Handler {
  const bare = definitionId.replace(/_v\d+$/, '');
  const known = KNOWN[bare];
  if (known) return known;
  if (bare.startsWith('routine_')) return { label: 'Routine', kind: 'routine' };
  const words = bare.replace(/^(system|utilities|kapok|kinetic)_/, '').replaceAll('_', ' ');
  const kind = /http/.test(bare) ? 'http' : /submission/.test(bare) ? 'record' : 'other';
  return { label: words.charAt(0).toUpperCase() + words.slice(1), kind };
}
