// The rules by which a form's pages become inputs, and by which what was typed is judged.
// The server decides in the end; these rules only spare a round trip.
import type { Element, ElementChoice, FieldElement, Form, Page } from '../api/types';

export type Values = Record<string, unknown>;
export type Problems = Record<string, string>;

const isFalse = (flag: unknown) => flag === false || flag === 'false';
const isTrue = (flag: unknown) => flag === true || flag === 'true';

export const isVisible = (element: { visible?: boolean | string }): boolean =>
  !isFalse(element.visible);

export const isRequired = (field: FieldElement): boolean => isTrue(field.required);

export const isEnabled = (field: FieldElement): boolean => !isFalse(field.enabled);

/** Every field of the elements, sections opened, hidden ones left out unless asked for. */
export function fieldsOf(elements: Element[] = [], hiddenToo = false): FieldElement[] {
  return elements.flatMap((element) => {
    if (!hiddenToo && !isVisible(element)) return [];
    if (element.type === 'field') return [element];
    return element.type === 'section' ? fieldsOf(element.elements, hiddenToo) : [];
  });
}

export const submittablePages = (form: Form): Page[] =>
  (form.pages ?? []).filter((page) => page.renderType !== 'confirmation');

export const confirmationPage = (form: Form): Page | undefined =>
  (form.pages ?? []).find((page) => page.renderType === 'confirmation');

const isEmpty = (value: unknown) =>
  value === null ||
  value === undefined ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0);

/** What the inputs start with: what was saved, else each field's default. */
export function initialValues(form: Form, saved: Values = {}): Values {
  const out: Values = {};
  for (const page of submittablePages(form)) {
    for (const field of fieldsOf(page.elements, true)) {
      const value = isEmpty(saved[field.name]) ? defaultOf(field) : saved[field.name];
      if (!isEmpty(value)) out[field.name] = value;
    }
  }
  return { ...saved, ...out };
}

function defaultOf(field: FieldElement): unknown {
  if (field.renderType !== 'checkbox' || typeof field.defaultValue !== 'string')
    return field.defaultValue;
  try {
    const list: unknown = JSON.parse(field.defaultValue);
    return Array.isArray(list) ? list : [field.defaultValue];
  } catch {
    return field.defaultValue ? [field.defaultValue] : undefined;
  }
}

/** Why the value cannot stand, or undefined when it can. */
export function problemOf(field: FieldElement, value: unknown): string | undefined {
  if (isEmpty(value)) {
    if (!isRequired(field)) return undefined;
    return field.requiredMessage || `${field.label || field.name} is required.`;
  }
  const regex = field.pattern?.regex;
  if (!regex || typeof value !== 'string') return undefined;
  try {
    if (new RegExp(`^(?:${regex})$`).test(value)) return undefined;
  } catch {
    return undefined;
  }
  return field.pattern?.message || `${field.label || field.name} does not have the expected form.`;
}

export function problemsOf(page: Page, values: Values): Problems {
  const out: Problems = {};
  for (const field of fieldsOf(page.elements)) {
    const problem = isEnabled(field) ? problemOf(field, values[field.name]) : undefined;
    if (problem) out[field.name] = problem;
  }
  return out;
}

export function choicesOf(field: FieldElement): { label: string; value: string }[] {
  const choices = field.choices ?? (field.renderAttributes?.choices as ElementChoice[] | undefined);
  return (Array.isArray(choices) ? choices : []).map((choice) =>
    typeof choice === 'string'
      ? { label: choice, value: choice }
      : { label: choice.label || choice.value, value: choice.value },
  );
}

/** The changed values only; a field that was emptied is sent as null. */
export function changes(before: Values, after: Values): Values {
  const out: Values = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const was = isEmpty(before[name]) ? null : before[name];
    const is = isEmpty(after[name]) ? null : after[name];
    if (JSON.stringify(was) !== JSON.stringify(is)) out[name] = is;
  }
  return out;
}
