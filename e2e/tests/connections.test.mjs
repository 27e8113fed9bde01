// Connections: a system is connected, an operation is written, tried, kept, and deleted with care.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, refused, signIn, startBrowser } from '../lib/browser.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;
let receiver;

before(async () => {
  receiver = await startReceiver();
  const settings = { KAPOK_ALLOW_CIDRS: '127.0.0.0/8' };
  [server, browser] = await Promise.all([startServer(settings), startBrowser()]);
  // Without the demo's, what an empty page says is there to be seen.
  const [demo] = await server.api('GET', '/app/integrator/api/connections');
  await server.api('DELETE', `/app/integrator/api/connections/${demo.id}`);
});

after(async () => {
  await Promise.all([browser?.close(), server?.stop(), receiver?.stop()]);
});

test('an operation is written, tried and kept, and its connection deleted with care', async () => {
  const { page, done } = await openPage(browser, server, { expected: refused });
  await signIn(page);
  await page.getByRole('link', { name: 'Connections' }).click();
  await page.getByText('There is no connection yet').waitFor();
  await page.getByRole('button', { name: 'New connection' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('Ticket system');
  await page.getByLabel('Base URL').fill(`${receiver.url}/v1`);
  await page.getByRole('combobox', { name: 'Authentication' }).click();
  await page.getByRole('option', { name: 'Token or API key in a header' }).click();
  await page.getByLabel('Token', { exact: true }).fill('hush-hush');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'Ticket system' }).waitFor();
  await page.getByText('Ready', { exact: true }).waitFor();

  // The operation is tried before it is saved.
  await page.getByRole('button', { name: 'New operation' }).click();
  const operation = page.getByRole('region', { name: 'Operation', exact: true });
  await operation.getByLabel('Name', { exact: true }).fill('Update ticket');
  await operation.getByRole('combobox', { name: 'Method' }).click();
  await page.getByRole('option', { name: 'PUT' }).click();
  await operation.getByLabel('Path').fill('/tickets/{{Ticket Id}}');
  await operation.getByLabel('Body', { exact: true }).fill('{"note": "{{Note}}"}');
  await operation.getByLabel('Outputs').fill('Received = body.received\nCode = statusCode');
  const attempt = page.getByRole('region', { name: 'Try it' });
  await attempt.getByLabel('Ticket Id').fill('a/7');
  await attempt.getByLabel('Note').fill('say "hi"');
  await attempt.getByRole('button', { name: 'Call it' }).click();
  await attempt.getByText(/Answered 200/).waitFor();
  await attempt.getByText(/\/v1\/tickets\/a%2F7/).waitFor();
  const got = receiver.got.at(-1);
  assert.equal(got.path, '/v1/tickets/a%2F7');
  assert.equal(got.headers.authorization, 'Bearer hush-hush');
  assert.deepEqual(JSON.parse(got.body), { note: 'say "hi"' });
  assert.ok(!(await page.content()).includes('hush-hush'), 'the secret is not shown');
  await operation.getByRole('button', { name: 'Create operation' }).click();
  await page
    .getByRole('region', { name: 'Operations', exact: true })
    .getByText('Update ticket')
    .waitFor();

  // A mistake is said where it is made.
  await operation.getByLabel('Outputs').fill('Received = body.');
  await operation.getByRole('button', { name: 'Save' }).click();
  await operation
    .getByRole('alert')
    .getByText(/The output "Received" is not an expression/)
    .waitFor();

  // Deleting names the tree that calls it.
  const node = (id, definitionId, parameters) => ({
    id,
    name: id,
    definitionId,
    version: 1,
    parameters,
  });
  const parameter = (id, value) => ({ id, value });
  await server.api('POST', '/app/components/task/app/api/v2/trees', {
    sourceName: 'Kinetic Request CE',
    sourceGroup: 'Group',
    name: 'Escalate',
    type: 'Tree',
    treeJson: {
      nodes: [
        node('start', 'system_start_v1', []),
        node('system_integration_v1_1', 'system_integration_v1', [
          parameter('connection', 'Ticket system'),
          parameter('operation', 'Update ticket'),
          parameter('parameters.Ticket Id', '7'),
        ]),
      ],
      connectors: [{ from: 'start', to: 'system_integration_v1_1', type: 'Complete' }],
    },
  });
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('link', { name: 'Kinetic Request CE :: Group :: Escalate' }).waitFor();
  await dialog.getByText('1 operation').waitFor();
  await dialog.getByRole('button', { name: 'Delete Ticket system' }).click();
  await page.getByText('There is no connection yet').waitFor();
  await done();
});

test('a database is connected, and inputs stand in the parameters of its statement', async () => {
  const { page, done } = await openPage(browser, server, { expected: refused });
  await signIn(page);
  await page.goto(`${server.url}/console/connections`);
  await page.getByRole('button', { name: 'New connection' }).first().click();
  await page.getByRole('combobox', { name: 'System' }).click();
  await page.getByRole('option', { name: 'PostgreSQL database' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Stores');
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page
    .getByRole('alert')
    .getByText(/The database must be text/)
    .waitFor();
  await page.getByLabel('Database', { exact: true }).fill('stores');
  await page.getByLabel('User name').fill('ann');
  await page.getByLabel('Password', { exact: true }).fill('hush-hush');
  // Nobody listens there.
  await page.getByLabel('Port').fill('5433');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'Stores' }).waitFor();
  await page.getByText('postgres://ann@127.0.0.1:5433/stores').waitFor();
  await page.getByText('Ready', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'New operation' }).click();
  const operation = page.getByRole('region', { name: 'Operation', exact: true });
  await operation.getByLabel('Name', { exact: true }).fill('Stores of a region');
  await operation.getByLabel('Statement').fill('SELECT * FROM {{Table}}');
  await operation.getByRole('button', { name: 'Create operation' }).click();
  await operation
    .getByRole('alert')
    .getByText(/an input would become SQL/)
    .waitFor();
  await operation.getByLabel('Statement').fill('SELECT * FROM stores WHERE region = $1');
  await operation.getByLabel('Parameters').fill('{{Region}}');
  const attempt = page.getByRole('region', { name: 'Try it' });
  await attempt.getByLabel('Region').fill('midwest');
  await attempt.getByRole('button', { name: 'Call it' }).click();
  await attempt
    .getByRole('alert')
    .getByText(/Cannot connect to 127.0.0.1:5433/)
    .waitFor();
  await attempt.getByText('$1: midwest').waitFor();
  await operation.getByRole('button', { name: 'Create operation' }).click();
  const list = page.getByRole('region', { name: 'Operations', exact: true });
  await list.getByText('SELECT * FROM stores WHERE region = $1').waitFor();
  assert.ok(!(await page.content()).includes('hush-hush'), 'the password is not shown');
  await done();
});
