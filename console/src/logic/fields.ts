// Declared parameters and results as lines of text: `text*: What it says.`
import type { HandlerParameter } from '../api/handlers';

export interface Field {
  name: string;
  description: string;
  required: boolean;
}

/** Reads lines of `name: description`; a `*` after the name marks it as required. */
export function parseFields(text: string): Field[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter(Boolean).map((line) => {
    const colon = line.indexOf(':');
    const written = (colon < 0 ? line : line.slice(0, colon)).trim();
    const required = written.endsWith('*');
    return {
      name: required ? written.slice(0, -1).trim() : written,
      description: colon < 0 ? '' : line.slice(colon + 1).trim(),
      required,
    };
  });
}

export const formatFields = (fields: Field[]): string =>
  fields
    .map(({ name, description, required }) => {
      const written = required ? `${name}*` : name;
      return description ? `${written}: ${description}` : written;
    })
    .join('\n');

/** Parameters as lines tell them; what lines cannot tell stays as it was. */
export const parametersOf = (text: string, before: HandlerParameter[]): HandlerParameter[] =>
  parseFields(text).map(({ name, description, required }) => ({
    options: [],
    ...before.find((one) => one.id === name),
    id: name,
    description,
    required,
  }));
