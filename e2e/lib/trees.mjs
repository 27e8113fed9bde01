// Small trees for tests, in treeJson, and runs of them.
const SOURCE = 'Kinetic Request CE';
const GROUP = 'Tests';

/** A node; its name is its id unless given, parameters are an object. */
export function node(id, definitionId, parameters = {}, rest = {}) {
  return {
    ...{
      id,
      name: id,
      definitionId,
      version: 1,
      configured: true,
      visible: true,
    },
    ...{
      defers: false,
      deferrable: false,
      position: { x: 0, y: 0 },
      messages: [],
    },
    parameters: Object.entries(parameters).map(([name, value]) => ({
      id: name,
      label: name,
      value,
    })),
    dependents: { task: [] },
    ...rest,
  };
}

/** A connector for when a node is complete. */
export const then = (from, to, value = '') => ({
  from,
  to,
  type: 'Complete',
  label: '',
  value,
});

export async function makeTree(server, name, nodes, connectors) {
  await server.api('POST', '/app/api/v2/trees', {
    ...{
      sourceName: SOURCE,
      sourceGroup: GROUP,
      name,
      type: 'Tree',
      status: 'Active',
    },
    treeJson: { lastId: nodes.length, name, nodes, connectors },
  });
}

/** Starts a run and returns its number. */
export async function startRun(server, name, data = {}) {
  const query = new URLSearchParams({
    sourceName: SOURCE,
    sourceGroup: GROUP,
    name,
  });
  const answer = await server.api('POST', `/app/api/v2/runs?${query}`, data);
  return answer.runId;
}

/** Waits until so many errors are open. */
export async function openErrors(server, count) {
  for (let tries = 0; tries < 200; tries += 1) {
    const { groups } = await server.api('GET', '/app/api/v2/errors/groups');
    if (groups.reduce((sum, group) => sum + group.count, 0) >= count) return groups;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`There are not ${count} open errors.`);
}

/** Skips the error that the demo company leaves to be repaired, for tests that count errors. */
export async function skipDemoError(server) {
  await openErrors(server, 1);
  const { errors } = await server.api('GET', '/app/api/v2/errors?status=Active');
  await server.api('POST', '/app/api/v2/errors/resolve', {
    ids: errors.map((error) => error.id),
    action: 'Skip Task',
    resolution: 'Not what this test is about.',
  });
}
