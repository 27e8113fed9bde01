// The platform's public JavaScript client, pointed at a server of its own. Only its API functions
// are loaded: no React, no browser.
import { createRequire } from 'node:module';
import { ADMIN, startServer } from '../lib/server.mjs';

const require = createRequire(import.meta.url);

/** Returns `{client, server}`: the client's functions, signed in as the administrator. */
export async function connect() {
  const server = await startServer();
  process.env.REACT_APP_API_HOST = server.url; // Read when the client is loaded.
  const axios = require('axios');
  axios.defaults.auth = ADMIN;
  return { client: require('@kineticdata/react/lib/apis'), server };
}

/** Calls `probe` until it returns something, for changes that the server makes by itself. */
export async function eventually(what, probe) {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`still no ${what} after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A form of one page with text fields of these names. */
export const form = (slug, ...names) => ({
  name: slug,
  slug,
  status: 'Active',
  attributesMap: { Owner: ['compat'] },
  pages: [
    {
      name: 'Page 1',
      type: 'page',
      renderType: 'submittable',
      elements: names.map((name, index) => ({
        type: 'field',
        name,
        key: `f${index + 1}`,
        label: name,
        dataType: 'string',
        renderType: 'text',
        required: index === 0,
        visible: true,
        enabled: true,
      })),
    },
  ],
});

/** A node of a tree, as exported trees write it. */
export const node = (id, definitionId, next, parameters = {}, defers = false) => ({
  id,
  name: id,
  definitionId,
  version: 1,
  configured: true,
  defers,
  deferrable: defers,
  visible: true,
  position: { x: 0, y: 0 },
  messages: [],
  parameters: Object.entries(parameters).map(([name, value]) => ({
    id: name,
    label: name,
    value,
    menu: '',
    required: false,
    description: '',
    dependsOnId: '',
    dependsOnValue: '',
  })),
  dependents: {
    task: next.map((content) => ({ label: '', type: 'Complete', value: '', content })),
  },
});

/** A tree of these nodes; each node's dependents are its connectors. */
export const treeJson = (name, nodes) => ({
  builderVersion: '',
  schemaVersion: '1.0',
  version: '',
  processOwnerEmail: '',
  lastId: nodes.length,
  name,
  notes: '',
  nodes,
  connectors: nodes.flatMap((from) =>
    from.dependents.task.map(({ label, type, value, content }) => ({
      from: from.id,
      to: content,
      label,
      type,
      value,
    })),
  ),
});
