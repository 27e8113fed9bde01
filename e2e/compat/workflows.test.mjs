// The public client against sources, trees and runs, from a submission to a finished run.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, eventually, form, node, treeJson } from './client.mjs';

const SOURCE = 'Compat';
const GROUP = 'Submissions > flow > order';
const TITLE = { sourceName: SOURCE, sourceGroup: GROUP, name: 'Submitted' };

describe('workflows', () => {
  let client, server;
  before(async () => ({ client, server } = await connect()));
  after(() => server.stop());

  test('sources and trees are created, read, changed, exported and listed', async () => {
    const source = { name: SOURCE, status: 'Active', type: 'Adhoc' };
    assert.equal((await client.createSource({ source })).error, undefined);
    const { sourceRoots, sources } = await client.fetchSources({});
    assert.ok((sourceRoots ?? sources).some(({ name }) => name === SOURCE));
    const nodes = [
      node('start', 'system_start_v1', ['utilities_echo_v1_1']),
      node('utilities_echo_v1_1', 'utilities_echo_v1', ['utilities_defer_v1_2'], {
        input: "<%= @values['Item'] %>",
      }),
      node('utilities_defer_v1_2', 'utilities_defer_v1', [], { deferral_value: 'x' }, true),
    ];
    const made = await client.createTree({
      tree: { ...TITLE, type: 'Tree', status: 'Active', treeJson: treeJson('Submitted', nodes) },
    });
    assert.equal(made.error, undefined);
    assert.equal(made.messageType, 'success');
    const { tree } = await client.fetchTree({ ...TITLE, include: 'details,treeJson' });
    assert.equal(tree.title, `${SOURCE} :: ${GROUP} :: Submitted`);
    assert.equal(tree.treeJson.nodes.length, 3);
    const changed = await client.updateTree({
      ...TITLE,
      tree: { notes: 'Changed.', versionId: tree.versionId },
    });
    assert.equal(changed.error, undefined);
    const stale = await client.updateTree({
      ...TITLE,
      tree: { treeJson: treeJson('Submitted', nodes), versionId: 'nonsense' },
    });
    assert.ok(stale.error, 'a stale version is refused');
    const { tree: exported } = await client.exportTree(TITLE);
    assert.match(JSON.stringify(exported), /utilities_echo_v1/);
    const { trees } = await client.fetchTrees({ source: SOURCE });
    assert.equal(trees.length, 1);
  });

  test('a submission starts a run, and the client completes its deferral', async () => {
    await client.createKapp({ kapp: { name: 'Flow', slug: 'flow' } });
    await client.createForm({ kappSlug: 'flow', form: form('order', 'Item') });
    const path = [SOURCE, GROUP, 'Submitted'].map(encodeURIComponent).join('/');
    await client.createWebhook({
      kappSlug: 'flow',
      webhook: {
        name: 'Run',
        type: 'Submission',
        event: 'Submitted',
        filter: '',
        url: `/app/api/v1/run-tree/${path}`,
      },
    });
    const { submission } = await client.createSubmission({
      kappSlug: 'flow',
      formSlug: 'order',
      values: { Item: 'Laptop' },
    });
    const { webhookJobs } = await client.fetchWebhookJobs({ scope: 'kapp', kappSlug: 'flow' });
    assert.equal(webhookJobs[0].status, 'Complete');
    assert.match(webhookJobs[0].responseContent, /Initiated run #\d+/);
    const { runs } = await client.fetchTaskRuns({ source: SOURCE, include: 'details' });
    assert.equal(runs.length, 1);
    const runId = runs[0].id;
    const include = 'details,tasks,sourceData,triggers,exceptions';
    const read = async () => (await client.fetchTaskRun({ runId, include })).run;
    const deferred = await eventually('deferred task', async () =>
      (await read()).tasks.find(({ status }) => status === 'Work In Progress'),
    );
    const run = await read();
    assert.equal(JSON.parse(run.sourceData).submission.id, submission.id);
    const echo = run.tasks.find(({ nodeId }) => nodeId === 'utilities_echo_v1_1');
    assert.deepEqual(echo.results, { output: 'Laptop' });
    const { run: byToken } = await client.fetchTaskRunViaDeferralToken({
      deferralToken: deferred.token,
    });
    assert.equal(byToken.error, undefined);
    const completed = await client.completeDeferredTask({
      token: deferred.token,
      results: '<results><result name="Decision">yes</result></results>',
    });
    assert.equal(completed.error, undefined);
    const finished = await eventually('finished run', async () => {
      const found = await read();
      return found.tasks.every(({ status }) => status === 'Closed') && found;
    });
    assert.equal(finished.status, 'Complete');
  });

  test('a run is started by hand', async () => {
    const { run, error } = await client.createTaskRun({
      ...TITLE,
      run: { sourceData: '{"values":{"Item":"by hand"}}' },
    });
    assert.equal(error, undefined);
    assert.match(run.message, /^Initiated run #\d+\.$/);
    assert.equal(typeof run.runId, 'string');
    const missing = await client.createTaskRun({ ...TITLE, name: 'Nope', run: { sourceData: '' } });
    assert.ok(missing.error);
  });
});
