// The public client against the platform's routes: kapps, forms, submissions, users, teams, errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, form } from './client.mjs';

describe('the platform', () => {
  let client, server;
  before(async () => ({ client, server } = await connect()));
  after(() => server.stop());

  test('kapps and forms are created, read, changed and listed', async () => {
    const { kapp } = await client.createKapp({ kapp: { name: 'Compat', slug: 'compat' } });
    assert.equal(kapp.slug, 'compat');
    const { form: made } = await client.createForm({
      kappSlug: 'compat',
      form: form('order', 'Item', 'Note'),
      include: 'details,pages,fields,attributesMap',
    });
    assert.equal(made.slug, 'order');
    assert.deepEqual(made.attributesMap, { Owner: ['compat'] });
    assert.equal(made.pages[0].elements[0].name, 'Item');
    assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    const { form: changed } = await client.updateForm({
      kappSlug: 'compat',
      formSlug: 'order',
      form: { name: 'Order' },
    });
    assert.equal(changed.name, 'Order');
    const { forms } = await client.fetchForms({ kappSlug: 'compat' });
    assert.deepEqual(forms.map(({ slug }) => slug), ['order']);
  });

  test('submissions are created, read, changed, searched and deleted', async () => {
    const at = { kappSlug: 'compat', formSlug: 'order' };
    const { submission } = await client.createSubmission({
      ...at,
      values: { Item: 'Laptop', Note: 'soon' },
      include: 'details,values',
    });
    assert.equal(submission.coreState, 'Submitted');
    assert.equal(submission.values.Item, 'Laptop');
    const { submission: draft } = await client.createSubmission({
      ...at,
      values: { Item: 'Mouse' },
      completed: false,
    });
    assert.equal(draft.coreState, 'Draft');
    const { submission: changed } = await client.updateSubmission({
      id: submission.id,
      values: { Note: 'tomorrow' },
      include: 'values,form',
    });
    assert.deepEqual(changed.values, { Item: 'Laptop', Note: 'tomorrow' });
    assert.equal(changed.form.slug, 'order');
    const { submissions } = await client.searchSubmissions({
      kapp: 'compat',
      form: 'order',
      get: true,
      search: { include: ['values'], limit: 10 },
    });
    assert.deepEqual(submissions.map(({ id }) => id).sort(), [submission.id, draft.id].sort());
    const { submission: gone } = await client.deleteSubmission({ id: draft.id });
    assert.equal(gone.id, draft.id);
    const { error } = await client.fetchSubmission({ id: draft.id });
    assert.equal(error.notFound, true);
  });

  test('users, teams and memberships', async () => {
    const { user } = await client.createUser({
      user: { username: 'ada@example.com', displayName: 'Ada', enabled: true },
    });
    assert.equal(user.username, 'ada@example.com');
    const { team } = await client.createTeam({ team: { name: 'IT::Support' } });
    assert.equal(team.localName, 'Support');
    const joined = await client.createMembership({
      team: { slug: team.slug },
      user: { username: user.username },
    });
    assert.ok(joined.membership, JSON.stringify(joined));
    const { user: member } = await client.fetchUser({
      username: user.username,
      include: 'memberships',
    });
    assert.equal(member.memberships[0].team.name, 'IT::Support');
    const { user: renamed } = await client.updateUser({
      username: user.username,
      user: { displayName: 'Ada L.' },
    });
    assert.equal(renamed.displayName, 'Ada L.');
    await client.deleteMembership({ teamSlug: team.slug, username: user.username });
    const { team: deleted } = await client.deleteTeam({ teamSlug: team.slug });
    assert.ok(deleted);
    const { users } = await client.fetchUsers({});
    assert.ok(users.some(({ username }) => username === user.username));
    assert.equal((await client.deleteUser({ username: user.username })).error, undefined);
  });

  test('errors arrive as the client reads them', async () => {
    const missing = await client.fetchKapp({ kappSlug: 'nope' });
    assert.equal(missing.error.notFound, true);
    assert.equal(missing.error.statusCode, 404);
    assert.ok(missing.error.message);
    const twice = await client.createKapp({ kapp: { name: 'Compat', slug: 'compat' } });
    assert.equal(twice.error.badRequest, true);
    assert.equal(twice.error.key, 'uniqueness_violation');
    const incomplete = await client.createSubmission({
      kappSlug: 'compat',
      formSlug: 'order',
      values: { Note: 'no item' },
    });
    assert.equal(incomplete.error.badRequest, true);
    assert.match(incomplete.error.message, /Item is required/);
    const unknown = await client.createSubmission({
      kappSlug: 'compat',
      formSlug: 'order',
      values: { Item: 'x', Nonsense: 'x' },
    });
    assert.match(unknown.error.message, /"Nonsense" field is not defined/);
  });
});
