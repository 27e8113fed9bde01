// Where the system of a connection is, in a line.
import type { ConnectionConfig, DatabaseConfig } from '../api/connections';

export const isDatabase = (config: ConnectionConfig): config is DatabaseConfig =>
  config.configType === 'postgres';

/** The base URL, or where a database is as its own tools write it. */
export function addressOf(config: ConnectionConfig): string {
  if (!isDatabase(config)) return config.baseUrl;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return `postgres://${config.username}@${host}:${config.port}/${config.database}`;
}
