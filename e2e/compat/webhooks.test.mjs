// The public client against webhooks and their jobs, delivered to a receiver of the test's own.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { connect, eventually, form } from './client.mjs';

describe('webhooks', () => {
  let client, server, receiver, url;
  let status = 500;
  const received = [];

  before(async () => {
    receiver = http.createServer((request, response) => {
      let text = '';
      request.on('data', (data) => (text += data));
      request.on('end', () => {
        received.push(JSON.parse(text));
        response.writeHead(status).end('noted');
      });
    });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${receiver.address().port}/hook`;
    process.env.KAPOK_ALLOW_CIDRS = '127.0.0.0/8';
    ({ client, server } = await connect());
    await client.createKapp({ kapp: { name: 'Hooks', slug: 'hooks' } });
    await client.createForm({ kappSlug: 'hooks', form: form('order', 'Item') });
  });
  after(async () => {
    await server.stop();
    receiver.close();
  });

  test('a webhook is created, read, changed and listed', async () => {
    const webhook = { name: 'On submit', type: 'Submission', event: 'Submitted', filter: '', url };
    const { webhook: made, error } = await client.createWebhook({ kappSlug: 'hooks', webhook });
    assert.equal(error, undefined);
    assert.equal(made.name, 'On submit');
    const { webhook: read } = await client.fetchWebhook({
      kappSlug: 'hooks',
      webhookName: 'On submit',
      include: 'details',
    });
    assert.equal(read.url, url);
    assert.ok(read.createdAt);
    const { webhook: changed } = await client.updateWebhook({
      kappSlug: 'hooks',
      webhookName: 'On submit',
      webhook: { filter: "values('Item') == 'Laptop'" },
    });
    assert.equal(changed.filter, "values('Item') == 'Laptop'");
    assert.equal(changed.event, 'Submitted');
    const { webhooks } = await client.fetchWebhooks({ kappSlug: 'hooks' });
    assert.deepEqual(webhooks.map(({ name }) => name), ['On submit']);
    const space = await client.fetchSpaceWebhookEvents({});
    assert.ok(JSON.stringify(space).includes('Membership Change'));
  });

  test('a job is listed, retried and cancelled', async () => {
    const submit = (Item) =>
      client.createSubmission({ kappSlug: 'hooks', formSlug: 'order', values: { Item } });
    const jobs = (options = {}) =>
      client.fetchWebhookJobs({ scope: 'kapp', kappSlug: 'hooks', ...options });
    await submit('Mouse');
    const { submission } = await submit('Laptop');
    const hit = await eventually('delivery', () => received[0]);
    assert.equal(hit.submission.id, submission.id);
    assert.deepEqual(hit.event.type, 'Submission');
    assert.deepEqual(hit.values, { Item: 'Laptop' });
    const { webhookJobs, nextPageToken } = await jobs({ webhook: 'On submit' });
    assert.equal(webhookJobs.length, 1, 'the filter kept the other one out');
    assert.equal(nextPageToken ?? null, null);
    const [{ id }] = webhookJobs;
    assert.equal(JSON.parse(webhookJobs[0].requestContent).submission.id, submission.id);

    status = 200;
    const { webhookJob: queued, error } = await client.updateWebhookJob({
      scope: 'kapp',
      kappSlug: 'hooks',
      id,
      webhookJob: { status: 'Queued' },
    });
    assert.equal(error, undefined);
    assert.ok(['Queued', 'In Progress', 'Complete'].includes(queued.status), queued.status);
    const complete = await eventually('complete job', async () => {
      const [job] = (await jobs({ include: 'details' })).webhookJobs;
      return job.status === 'Complete' && job;
    });
    assert.equal(complete.summary, '200 OK');
    assert.equal(complete.responseContent, 'noted');
    assert.equal(received.length, 2);

    status = 500;
    await submit('Laptop');
    const waiting = await eventually('job that waits for its retry', async () =>
      (await jobs({ status: 'Queued' })).webhookJobs.find(({ retryCount }) => retryCount > 0),
    );
    const { webhookJob: cancelled } = await client.updateWebhookJob({
      scope: 'kapp',
      kappSlug: 'hooks',
      id: waiting.id,
      webhookJob: { status: 'Cancelled' },
    });
    assert.equal(cancelled.status, 'Cancelled');
  });

  test('a webhook is deleted', async () => {
    const options = { kappSlug: 'hooks', webhookName: 'On submit' };
    assert.equal((await client.deleteWebhook(options)).webhook.name, 'On submit');
    assert.equal((await client.fetchWebhook(options)).error.notFound, true);
  });
});
