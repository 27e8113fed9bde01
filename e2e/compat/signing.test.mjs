// Signatures of real deliveries, verified by the public package that receivers use.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { connect, eventually, form } from './client.mjs';

describe('signatures', () => {
  let client, server, receiver;
  const received = [];

  before(async () => {
    receiver = http.createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (data) => (body += data));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(204).end();
      });
    });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    process.env.KAPOK_ALLOW_CIDRS = '127.0.0.0/8';
    ({ client, server } = await connect());
    await client.createKapp({ kapp: { name: 'Signed', slug: 'signed' } });
    await client.createForm({ kappSlug: 'signed', form: form('order', 'Item') });
    const url = `http://127.0.0.1:${receiver.address().port}/hook`;
    const webhook = { name: 'On submit', type: 'Submission', event: 'Submitted', filter: '', url };
    await client.createWebhook({ kappSlug: 'signed', webhook });
  });
  after(async () => {
    await server.stop();
    receiver.close();
  });

  const deliver = async (Item) => {
    const before = received.length;
    await client.createSubmission({ kappSlug: 'signed', formSlug: 'order', values: { Item } });
    await eventually('delivery', () => received.length > before);
    return received.at(-1);
  };

  test('a delivery verifies with either secret while one replaces the other', async () => {
    const make = async (kind) => (await server.api('POST', '/app/api/v1/signing-keys', { kind })).key;
    const old = await make('v1');
    const first = await deliver('Läptop');
    assert.equal(new Webhook(old.secret).verify(first.body, first.headers).values.Item, 'Läptop');
    assert.throws(() => new Webhook(old.secret).verify(`${first.body} `, first.headers));

    const next = await make('v1');
    await server.api('POST', `/app/api/v1/signing-keys/${old.id}/actions`, { action: 'retire' });
    const second = await deliver('Phone');
    new Webhook(old.secret).verify(second.body, second.headers);
    new Webhook(next.secret).verify(second.body, second.headers);

    await server.api('POST', `/app/api/v1/signing-keys/${old.id}/actions`, { action: 'revoke' });
    const third = await deliver('Desk');
    assert.throws(() => new Webhook(old.secret).verify(third.body, third.headers));
    new Webhook(next.secret).verify(third.body, third.headers);
  });

  test('a delivery verifies with the published public key', async () => {
    await server.api('POST', '/app/api/v1/signing-keys', { kind: 'v1a' });
    const { body, headers } = await deliver('Chair');
    const { keys } = await (await fetch(`${server.url}/app/api/v1/webhook-keys`)).json();
    const raw = Buffer.from(keys[0].publicKey.replace('whpk_', ''), 'base64');
    const x = raw.toString('base64url');
    const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const signatures = headers['webhook-signature'].split(' ').filter((s) => s.startsWith('v1a,'));
    assert.equal(signatures.length, 1);
    const signature = Buffer.from(signatures[0].slice(4), 'base64');
    assert.ok(crypto.verify(null, Buffer.from(signed), key, signature));
  });
});
