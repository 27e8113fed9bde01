// The rules by which forms become inputs.
import { describe, expect, it } from 'vitest';
import type { FieldElement, Form, Page } from '../api/types';
import {
  changes,
  choicesOf,
  confirmationPage,
  fieldsOf,
  initialValues,
  problemOf,
  problemsOf,
  submittablePages,
} from './forms';

const field = (name: string, more: Partial<FieldElement> = {}): FieldElement => ({
  type: 'field',
  name,
  renderType: 'text',
  ...more,
});

const page: Page = {
  name: 'Page 1',
  renderType: 'submittable',
  elements: [
    field('A', { required: true }),
    { type: 'section', name: 'More', elements: [field('B', { defaultValue: 'x' })] },
    { type: 'section', visible: false, elements: [field('Hidden', { required: true })] },
    { type: 'content', text: '<p>Hi</p>' },
  ],
};

const form: Form = {
  name: 'Laptop',
  slug: 'laptop',
  pages: [page, { name: 'Thanks', renderType: 'confirmation', elements: [] }],
};

describe('pages and fields', () => {
  it('opens sections and leaves out what is hidden', () => {
    expect(fieldsOf(page.elements).map((one) => one.name)).toEqual(['A', 'B']);
    expect(fieldsOf(page.elements, true).map((one) => one.name)).toEqual(['A', 'B', 'Hidden']);
  });

  it('keeps the confirmation apart', () => {
    expect(submittablePages(form).map((one) => one.name)).toEqual(['Page 1']);
    expect(confirmationPage(form)?.name).toBe('Thanks');
  });
});

describe('initialValues', () => {
  it('prefers what was saved over defaults', () => {
    expect(initialValues(form, { B: 'saved', Other: 1 })).toEqual({ B: 'saved', Other: 1 });
    expect(initialValues(form)).toEqual({ B: 'x' });
  });

  it('reads the default of a checkbox as a list', () => {
    const boxes: Form = {
      ...form,
      pages: [
        {
          name: 'P',
          elements: [
            field('C', { renderType: 'checkbox', defaultValue: '["Yes"]' }),
            field('D', { renderType: 'checkbox', defaultValue: 'No' }),
          ],
        },
      ],
    };
    expect(initialValues(boxes)).toEqual({ C: ['Yes'], D: ['No'] });
  });
});

describe('problemOf', () => {
  const mail = field('Mail', { pattern: { regex: '\\S+@\\S+', message: 'Not an address.' } });
  it.each([
    [field('A', { required: true, label: 'Reason' }), ' ', 'Reason is required.'],
    [field('A', { required: 'true', requiredMessage: 'Say why.' }), '', 'Say why.'],
    [field('A', { required: true, renderType: 'checkbox' }), [], 'A is required.'],
    [field('A'), '', undefined],
    [mail, 'nope', 'Not an address.'],
    [mail, 'a@b', undefined],
    [mail, '', undefined],
    [field('A', { pattern: { regex: '(' } }), 'x', undefined],
  ])('%#', (one, value, expected) => expect(problemOf(one, value)).toBe(expected));

  it('looks at the whole page, at what can be seen and changed', () => {
    expect(problemsOf(page, {})).toEqual({ A: 'A is required.' });
    const fixed = { ...page, elements: [field('A', { required: true, enabled: false })] };
    expect(problemsOf(fixed, {})).toEqual({});
  });
});

it('takes choices as texts or pairs', () => {
  expect(choicesOf(field('A', { choices: ['x', { label: 'Y', value: 'y' }] }))).toEqual([
    { label: 'x', value: 'x' },
    { label: 'Y', value: 'y' },
  ]);
});

it('sends only what changed, and null for what was emptied', () => {
  expect(changes({ a: '1', b: '2', c: ['x'] }, { a: '1', b: '', c: ['x', 'y'], d: 'new' })).toEqual(
    {
      b: null,
      c: ['x', 'y'],
      d: 'new',
    },
  );
});
