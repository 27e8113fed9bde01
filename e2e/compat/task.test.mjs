// Every function of the public client that speaks to the workflow engine, and the shapes it reads.
// Functions about handlers that are packages have no counterpart here and are left out by name.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { connect, eventually, form, node, treeJson } from './client.mjs';

const SOURCE = 'Task';
const GROUP = 'Group';
const TITLE = { sourceName: SOURCE, sourceGroup: GROUP, name: 'Wait' };
/** Packages of Ruby code, the licence of another engine, and what is measured elsewhere. */
const WITHOUT = [
  'createHandler',
  'updateHandler',
  'deleteHandler',
  'fetchEngineLicense',
  'fetchHandlerDurations',
];
/** Tested in workflows.test.mjs, or pure. */
const ELSEWHERE = ['createTree', 'createTaskRun', 'buildTreeId'];

/** A result without an error. */
const fine = (result) => {
  assert.equal(result.error, undefined, JSON.stringify(result.error));
  return result;
};

describe('the task functions', () => {
  let api, client, server;
  const used = new Set([...WITHOUT, ...ELSEWHERE]);
  before(async () => {
    ({ client: api, server } = await connect());
    client = new Proxy(api, {
      get: (target, name) => (used.add(name), target[name]),
    });
  });
  after(() => server.stop());

  const waits = (input = 'x') =>
    treeJson('Wait', [
      node('start', 'system_start_v1', ['utilities_echo_v1_1']),
      node('utilities_echo_v1_1', 'utilities_echo_v1', ['utilities_defer_v1_2'], { input }),
      node('utilities_defer_v1_2', 'utilities_defer_v1', [], {}, true),
    ]);
  const run = async (name = 'Wait') => {
    const started = await api.createTaskRun({ ...TITLE, name, run: { sourceData: '{}' } });
    return fine(started).run.runId;
  };
  const detail = async (runId) =>
    fine(await client.fetchTaskRun({ runId, include: 'details,tasks,triggers,exceptions' })).run;

  test('sources are created, checked, changed and deleted', async () => {
    const source = { name: SOURCE, status: 'Active', type: 'Adhoc', properties: { a: 'b' } };
    assert.equal(fine(await client.createSource({ source })).source.name, SOURCE);
    const { source: read } = await client.fetchSource({ sourceName: SOURCE, include: 'details' });
    assert.deepEqual(read.properties, { a: 'b' });
    assert.equal(fine(await client.validateSource({ sourceName: SOURCE })).messageType, 'success');
    const { sourceAdapters } = await client.fetchSourceAdapters();
    assert.ok(sourceAdapters.some(({ name }) => name === 'Adhoc'));
    await client.createSource({ source: { name: 'Gone', type: 'Adhoc' } });
    const changed = { ...read, name: 'Later' };
    const { source: renamed } = await client.updateSource({
      sourceName: 'Gone',
      source: { name: 'Later' },
    });
    assert.equal(renamed.name, 'Later');
    assert.equal(changed.name, 'Later');
    fine(await client.deleteSource({ sourceName: 'Later' }));
    assert.ok((await client.fetchSource({ sourceName: 'Later' })).error.notFound);
    assert.equal((await client.fetchSources({})).sources.length >= 1, true);
  });

  test('trees are imported, listed by pages, cloned, counted and deleted', async () => {
    const tree = { ...TITLE, type: 'Tree', status: 'Active', treeJson: waits() };
    fine(await api.createTree({ tree }));
    const { tree: exported } = fine(await client.exportTree(TITLE));
    const again = fine(await client.importTree({ content: exported.tree, force: true }));
    assert.equal(again.tree.title, `${SOURCE} :: ${GROUP} :: Wait`);
    const fetched = await client.importTree({ contentUrl: 'http://127.0.0.1:1/x', force: true });
    assert.ok(fetched.error.badRequest, 'private addresses are refused');
    const clone = await client.cloneTree({
      ...TITLE,
      newName: 'Copy',
      newSourceName: SOURCE,
      newSourceGroup: GROUP,
    });
    assert.equal(fine(clone).tree.name, 'Copy');
    const first = fine(
      await client.fetchTrees({ source: SOURCE, limit: 1, offset: 0, orderBy: 'name' }),
    );
    assert.deepEqual(
      first.trees.map(({ name }) => name),
      ['Copy'],
    );
    assert.equal(first.nextPageToken, 1);
    const { tree: read } = fine(
      await client.fetchTree({ ...TITLE, include: 'details,bindings,categories,treeXml' }),
    );
    assert.match(read.treeXml, /<taskTree/);
    assert.deepEqual(read.categories, []);
    const changed = await client.updateTree({
      ...TITLE,
      tree: { notes: 'n', versionId: read.versionId },
    });
    assert.equal(fine(changed).tree.notes, 'n');
    const { counts } = fine(await client.fetchTreeCounts(TITLE));
    assert.equal(counts.days.length, 30);
    assert.equal(counts.runsSeries[0].data.length, 30);
    fine(await client.deleteTree({ ...TITLE, name: 'Copy' }));
  });

  test('routines and handlers tell who uses them and which are missing', async () => {
    const calls = treeJson('Calls', [
      node('start', 'system_start_v1', ['routine_gone_v1_1']),
      node('routine_gone_v1_1', 'routine_gone_v1', ['nothing_v1_2'], {}, true),
      node('nothing_v1_2', 'nothing_v1', []),
    ]);
    fine(
      await api.createTree({ tree: { ...TITLE, name: 'Calls', type: 'Tree', treeJson: calls } }),
    );
    const { missingRoutines } = fine(await client.fetchMissingRoutines());
    assert.deepEqual(
      missingRoutines.map(({ definitionId, treeCount }) => [definitionId, treeCount]),
      [['routine_gone_v1', 1]],
    );
    const { missingHandlers } = fine(await client.fetchMissingHandlers());
    assert.deepEqual(
      missingHandlers.map(({ definitionId }) => definitionId),
      ['nothing_v1'],
    );
    const routine = fine(
      await client.fetchUsage({ usageType: 'routine', definitionId: 'routine_gone_v1' }),
    );
    assert.deepEqual([routine.usages.length, routine.totalTrees, routine.totalNodes], [1, 1, 1]);
    const handler = fine(
      await client.fetchUsage({ usageType: 'handler', definitionId: 'utilities_echo_v1' }),
    );
    // The demo company's trees use it too.
    const wait = handler.usages.filter(({ title }) => title === `${SOURCE} :: ${GROUP} :: Wait`);
    assert.equal(wait.length, 1);
    const { handlers } = fine(await client.fetchHandlers({ limit: 1000 }));
    assert.ok(handlers.some(({ definitionId }) => definitionId === 'utilities_echo_v1'));
    const { handler: echo } = fine(
      await client.fetchHandler({ definitionId: 'utilities_echo_v1' }),
    );
    assert.equal(echo.parameters[0].id, 'input');
    fine(await api.deleteTree({ ...TITLE, name: 'Calls' }));
  });

  test('categories are kept', async () => {
    const category = { name: 'Mail', description: 'd', handlers: ['utilities_echo_v1'] };
    assert.equal(fine(await client.createTaskCategory({ category })).category.name, 'Mail');
    const { category: read } = await client.fetchTaskCategory({ categoryName: 'Mail' });
    assert.deepEqual(read.handlers, [{ definitionId: 'utilities_echo_v1' }]);
    const changed = await client.updateTaskCategory({
      categoryName: 'Mail',
      category: { description: 'e' },
    });
    assert.equal(fine(changed).category.description, 'e');
    const { categories } = fine(await client.fetchTaskCategories({ include: 'handlers' }));
    assert.ok(categories.some(({ name }) => name === 'Mail'));
    assert.equal(
      fine(await client.deleteTaskCategory({ categoryName: 'Mail' })).category.name,
      'Mail',
    );
  });

  test('policy rules are kept', async () => {
    const policyType = 'API Access';
    const policy = { name: 'Nobody', rule: 'false', message: 'No.', type: policyType };
    assert.equal(
      fine(await client.createPolicyRule({ policyType, policy })).policyRule.rule,
      'false',
    );
    const { policyRules } = fine(await client.fetchPolicyRules({ type: policyType }));
    assert.deepEqual(
      policyRules.map(({ name }) => name),
      ['Nobody'],
    );
    const found = await client.fetchPolicyRule({ policyType, policyName: 'Nobody' });
    assert.equal(fine(found).policyRule.message, 'No.');
    const changed = await client.updatePolicyRule({
      policyType,
      policyName: 'Nobody',
      policy: { message: 'Never.' },
    });
    assert.equal(fine(changed).policyRule.message, 'Never.');
    fine(await client.deletePolicyRule({ policyType, policyName: 'Nobody' }));
    assert.ok((await client.fetchPolicyRule({ policyType, policyName: 'Nobody' })).error.notFound);
  });

  test('a run is found, edited, triggered, updated and completed', async () => {
    const runId = await run();
    const deferred = await eventually('deferral', async () =>
      (await detail(runId)).tasks.find(({ status }) => status === 'Work In Progress'),
    );
    const { runs, count } = fine(
      await client.fetchTaskRuns({
        source: SOURCE,
        status: 'Started',
        include: 'details',
        limit: 5,
      }),
    );
    assert.deepEqual([runs.length, count, String(runs[0].id)], [1, 1, runId]);
    assert.equal((await client.fetchTaskRuns({ count: true })).runs, undefined);
    assert.equal((await client.fetchTaskRuns({ count: false })).more, false);
    const { run: byToken } = await client.fetchTaskRunViaDeferralToken({
      deferralToken: deferred.token,
    });
    assert.equal(String(byToken.id), runId);
    await client.updateTaskRun({ runId, run: { sourceData: '{"values":{"A":"b"}}' } });
    const { id: taskId } = (await detail(runId)).tasks[1];
    fine(
      await client.updateRunTaskResults({ runId, taskId, results: { output: 'y' }, message: 'm' }),
    );
    assert.equal((await detail(runId)).tasks[1].results.output, 'y');
    assert.equal(
      fine(await client.updateDeferredTask({ token: deferred.token, message: 'm' })).messageType,
      'success',
    );
    fine(await client.completeDeferredTask({ token: deferred.token, results: '<results/>' }));
    await eventually('end', async () => (await detail(runId)).status === 'Complete');
    const made = fine(
      await client.createTaskTrigger({
        runId,
        nodeId: 'utilities_echo_v1_1',
        branchId: 1,
        loopIndex: '/',
      }),
    );
    assert.equal(made.messageType, 'success');
    const { triggers, count: all } = fine(await client.fetchTaskTriggers({ runId, limit: 25 }));
    assert.equal(triggers.length, all);
    assert.ok(triggers.some(({ type, action }) => type === 'Manual' && action === 'Root'));
    for (const triggerStatus of ['backlog', 'paused', 'scheduled']) {
      assert.ok(Array.isArray(fine(await client.fetchTaskTriggers({ triggerStatus })).triggers));
    }
  });

  test('an error is found and resolved', async () => {
    const failing = treeJson('Fail', [
      node('start', 'system_start_v1', ['utilities_echo_v1_1']),
      node('utilities_echo_v1_1', 'utilities_echo_v1', [], { input: "<%= @values['None'] %>" }),
    ]);
    fine(
      await api.createTree({ tree: { ...TITLE, name: 'Fail', type: 'Tree', treeJson: failing } }),
    );
    const runId = await run('Fail');
    const found = await eventually('error', async () => {
      const { runErrors } = fine(
        await client.fetchTaskRunErrors({
          runId,
          status: 'Active',
          include: 'run',
          timeline: 'createdAt',
          direction: 'DESC',
        }),
      );
      return runErrors[0];
    });
    assert.equal(found.type, 'Node Parameter Error');
    const { runError } = fine(
      await client.fetchTaskRunError({ errorId: found.id, include: 'run.tree' }),
    );
    assert.equal(String(runError.run.id), runId);
    const resolved = await client.resolveTaskErrors({
      ids: [found.id],
      action: 'Do Nothing',
      resolution: 'r',
    });
    assert.match(fine(resolved).message.message, /^Resolved task errors/);
  });

  test('the engine is stopped, started and described', async () => {
    assert.equal(fine(await client.stopEngine()).status, 'Stopped');
    assert.equal(fine(await client.fetchEngineStatus()).status, 'Stopped');
    assert.equal(fine(await client.startEngine()).status, 'Running');
    const { settings } = fine(await client.fetchEngineSettings());
    assert.equal(settings['Sleep Delay'], '1');
    assert.match(fine(await client.updateEngineSettings({ settings })).message, /^Updated/);
    assert.equal(typeof fine(await client.fetchTaskVersion()).version.version, 'string');
    assert.deepEqual(fine(await client.fetchSystemErrors()).systemErrors, []);
    assert.ok((await client.fetchSystemError({ errorId: 1 })).error.notFound);
    const none = await client.resolveSystemError({ ids: [1], resolution: 'r' });
    assert.ok(none.error, 'there are no system errors to resolve');
  });

  test('linked workflows are created, changed, listed, repaired and deleted', async () => {
    await client.createKapp({ kapp: { name: 'Linked', slug: 'linked' } });
    await client.createForm({ kappSlug: 'linked', form: form('order', 'Item') });
    const place = { kappSlug: 'linked', formSlug: 'order' };
    const workflow = {
      event: 'Submission Submitted',
      name: 'Order',
      treeJson: waits("<%= @values['Item'] %>"),
    };
    const { workflow: made } = fine(await client.createWorkflow({ ...place, workflow }));
    assert.equal(made.platformItemType, 'Form');
    const workflowId = made.id;
    const changed = await client.updateWorkflow({
      ...place,
      workflowId,
      workflow: { filter: "values('Item') == 'Pen'" },
    });
    assert.match(fine(changed).workflow.filter, /Pen/);
    for (const Item of ['Pen', 'Book']) {
      await client.createSubmission({ ...place, values: { Item } });
    }
    const { runs } = fine(await api.fetchTaskRuns({ tree: 'Order', include: 'details' }));
    assert.equal(runs.length, 1, 'one of two passes the filter');
    assert.equal((await client.fetchWorkflow({ ...place, workflowId })).workflow.name, 'Order');
    const { workflows, orphaned, missing } = fine(await client.fetchWorkflows(place));
    assert.deepEqual([workflows.length, orphaned, missing], [1, [], []]);
    assert.match(fine(await client.repairWorkflows(place)).message, /repaired/);
    fine(await client.deleteWorkflow({ ...place, workflowId }));
    assert.deepEqual((await client.fetchWorkflows(place)).workflows, []);
  });

  test('no function about tasks is left out', async () => {
    const tasks = createRequire(import.meta.url)('@kineticdata/react/lib/apis/task');
    assert.deepEqual(
      Object.keys(tasks).filter((name) => !used.has(name)),
      [],
    );
  });
});
