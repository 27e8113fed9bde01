// The elements of a form's page as inputs.
import {
  Checkbox,
  Radio,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  type TextInputProps,
} from '@mantine/core';
import type { Element, FieldElement } from '../../api/types';
import {
  choicesOf,
  isEnabled,
  isRequired,
  isVisible,
  type Problems,
  type Values,
} from '../../logic/forms';
import { inert } from '../../logic/html';
import { inline } from '../../logic/text';

interface Props {
  elements: Element[];
  values: Values;
  problems: Problems;
  readOnly: boolean;
  change: (name: string, value: unknown) => void;
}

export function Fields({ elements, ...rest }: Props) {
  return (
    <Stack gap="md">
      {elements.filter(isVisible).map((element, index) => (
        <One key={element.name ?? index} element={element} {...rest} />
      ))}
    </Stack>
  );
}

function One({ element, ...rest }: Omit<Props, 'elements'> & { element: Element }) {
  if (element.type === 'section')
    return (
      <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
        {(element.title || element.name) && (
          <Text component="legend" fw={600} mb="xs">
            {element.title || element.name}
          </Text>
        )}
        <Fields elements={element.elements ?? []} {...rest} />
      </fieldset>
    );
  if (element.type === 'content')
    return (
      <div className="kp-html" dangerouslySetInnerHTML={{ __html: inert(element.text ?? '') }} />
    );
  return element.type === 'field' ? <Field field={element} {...rest} /> : null;
}

interface FieldProps extends Omit<Props, 'elements'> {
  field: FieldElement;
}

const INPUT_TYPES: Record<string, TextInputProps['type']> = {
  date: 'date',
  datetime: 'datetime-local',
  time: 'time',
};

function Field({ field, values, problems, readOnly, change }: FieldProps) {
  const value = values[field.name];
  const common = {
    label: field.label || field.name,
    error: problems[field.name],
    withAsterisk: isRequired(field),
  };
  const needed = { 'aria-required': isRequired(field) || undefined };
  const fixed = readOnly || !isEnabled(field);
  const text = typeof value === 'string' ? value : inline(value);
  const set = (next: unknown) => change(field.name, next);
  switch (field.renderType) {
    case 'dropdown':
      return (
        <Select
          {...common}
          {...needed}
          data={unique(field, text)}
          value={text || null}
          disabled={fixed}
          clearable={!isRequired(field)}
          searchable={choicesOf(field).length > 10}
          placeholder="Choose"
          onChange={set}
        />
      );
    case 'radio':
      return (
        <Radio.Group {...common} value={text} onChange={set} readOnly={fixed}>
          <Stack gap={8} mt={6}>
            {choicesOf(field).map((choice) => (
              <Radio key={choice.value} {...choice} size="sm" disabled={fixed} />
            ))}
          </Stack>
        </Radio.Group>
      );
    case 'checkbox':
      return (
        <Checkbox.Group {...common} value={asList(value)} onChange={set} readOnly={fixed}>
          <Stack gap={8} mt={6}>
            {choicesOf(field).map((choice) => (
              <Checkbox key={choice.value} {...choice} size="sm" disabled={fixed} />
            ))}
          </Stack>
        </Checkbox.Group>
      );
    case 'attachment':
      return (
        <TextInput {...common} value={text} disabled description="Files cannot be added here." />
      );
    default:
      return field.rows && field.rows > 1 ? (
        <Textarea
          {...common}
          {...needed}
          rows={field.rows}
          value={text}
          readOnly={fixed}
          onChange={(event) => set(event.currentTarget.value)}
        />
      ) : (
        <TextInput
          {...common}
          {...needed}
          type={INPUT_TYPES[field.renderType ?? ''] ?? 'text'}
          value={text}
          readOnly={fixed}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
  }
}

function asList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' && value ? [value] : [];
}

/** The choices, with a saved value that is no longer among them. */
function unique(field: FieldElement, saved: string) {
  const choices = choicesOf(field);
  const known = new Map(choices.map((choice) => [choice.value, choice]));
  if (saved && !known.has(saved))
    known.set(saved, { label: `${saved} (no longer offered)`, value: saved });
  return [...known.values()];
}
