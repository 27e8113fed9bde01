// Starts a server of its own for a test file: demo company, free port, temporary data, known password.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const READY_MS = 30_000;
const STOP_MS = 10_000;

export const ADMIN = { username: 'admin', password: 'correct horse battery' };

/** Returns `{url, api, stop}`; `api` calls the server as the administrator. `env` adds settings. */
export async function startServer(env = {}) {
  const binary = process.env.KAPOK_BIN;
  if (!binary) throw new Error('Set KAPOK_BIN to the path of the kapok binary.');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kapok-e2e-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(binary, ['serve', '--demo'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      KAPOK_LISTEN: `127.0.0.1:${port}`,
      KAPOK_DATA_DIR: folder,
      KAPOK_DATABASE_URL: '',
      KAPOK_ADMIN_USERNAME: ADMIN.username,
      KAPOK_ADMIN_PASSWORD: ADMIN.password,
      ...env,
    },
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => said.push(String(data)));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    await ready(url, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${said.join('')}`);
  }
  return {
    url,
    log: () => said.join(''),
    api: (method, route, body) => call(url, method, route, body),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port on which nothing listens, for now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function ready(url, child) {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}.`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The server was not ready within ${READY_MS} ms.`);
}

async function call(url, method, route, body) {
  const basic = Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64');
  const response = await fetch(url + route, {
    method,
    headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
