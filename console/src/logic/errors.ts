// What can be done about an error of a run, by its documented type.

export interface ErrorAction {
  /** The action's name on the wire. */
  name: string;
  /** What it does, for a person. */
  does: string;
}

const ACTIONS: Record<string, ErrorAction> = {
  'Retry Task': {
    name: 'Retry Task',
    does: 'Runs the node again, with its parameters as they are now.',
  },
  'Skip Task': { name: 'Skip Task', does: 'Goes on as if the node had finished without results.' },
  'Do Nothing': {
    name: 'Do Nothing',
    does: 'Marks the error as handled; the run stays where it is.',
  },
  'Continue Branch': {
    name: 'Continue Branch',
    does: 'Follows the connector as if its condition held.',
  },
  'Cancel Branch': { name: 'Cancel Branch', does: 'Does not follow the connector.' },
  Retry: { name: 'Retry', does: 'Tries again.' },
};

const TASK = ['Retry Task', 'Skip Task', 'Do Nothing'];

const BY_TYPE: Record<string, string[]> = {
  handler: TASK,
  'node parameter': TASK,
  'missing handler': TASK,
  'missing routine': TASK,
  connector: ['Continue Branch', 'Cancel Branch'],
  source: ['Retry', 'Do Nothing'],
};

export function actionsFor(type: string, offered?: string[]): ErrorAction[] {
  const bare = type.toLowerCase().replace(/ error$/, '');
  const names = offered?.length ? offered : (BY_TYPE[bare] ?? ['Do Nothing']);
  return names.map((name) => ACTIONS[name] ?? { name, does: '' });
}
