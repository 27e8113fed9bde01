// What is done about a class of failure, or about one status, that differs from the schedule.
import { ActionIcon, Button, Group, NumberInput, Select, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { ClassRule, ClassSchedule } from '../../api/delivery';
import { CLASS_CHOICES, classWord } from '../../logic/classes';
import { SpanInput } from '../../parts/SpanInput';
import { Fieldset, type PolicyProps } from './PolicyFields';

const RULES = [
  { value: 'fail', label: 'Fail at once' },
  { value: 'retry', label: 'Retry as above' },
  { value: 'own', label: 'Own schedule' },
];

export function ClassRules({ value, inherited, set }: PolicyProps) {
  const rules = value.classes ?? {};
  const change = (name: string, rule: ClassRule | undefined) => {
    const { [name]: _, ...rest } = rules;
    set({ classes: rule === undefined ? rest : { ...rules, [name]: rule } });
  };
  const theirs = Object.keys(inherited?.classes ?? {}).filter((name) => !(name in rules));
  return (
    <Fieldset title="Exceptions by kind of failure">
      {Object.entries(rules).map(([name, rule]) => (
        <Rule key={name} name={name} rule={rule} change={(next) => change(name, next)} />
      ))}
      {theirs.length > 0 && (
        <p className="kp-small kp-dim">
          The space’s exceptions stay: {theirs.map(ruleName).join(', ')}.
        </p>
      )}
      <Add taken={Object.keys(rules)} add={(name) => change(name, 'fail')} />
    </Fieldset>
  );
}

const ruleName = (name: string): string =>
  /^\d+$/.test(name) ? `Answer ${name}` : classWord(name);

interface RuleProps {
  name: string;
  rule: ClassRule;
  change: (rule: ClassRule | undefined) => void;
}

function Rule({ name, rule, change }: RuleProps) {
  const own: ClassSchedule | undefined = typeof rule === 'object' ? rule : undefined;
  return (
    <div role="group" aria-label={ruleName(name)}>
      <Group gap="xs" align="flex-end">
        <span style={{ width: 170, fontSize: 13.5, paddingBottom: 6 }}>{ruleName(name)}</span>
        <Select
          size="xs"
          w={150}
          aria-label={`What to do about ${ruleName(name)}`}
          allowDeselect={false}
          data={RULES}
          value={own ? 'own' : (rule as string)}
          onChange={(next) => change(next === 'own' ? { attempts: 3 } : (next as ClassRule))}
        />
        {own && (
          <>
            <NumberInput
              size="xs"
              w={90}
              label="Attempts"
              min={1}
              max={100}
              value={own.attempts ?? ''}
              onChange={(next) => change({ ...own, attempts: next === '' ? undefined : +next })}
            />
            <div style={{ width: 130 }}>
              <SpanInput
                size="xs"
                label="First wait"
                value={own.firstWaitMs}
                change={(firstWaitMs) => change({ ...own, firstWaitMs })}
              />
            </div>
          </>
        )}
        <ActionIcon
          aria-label={`Remove the exception for ${ruleName(name)}`}
          onClick={() => change(undefined)}
        >
          <IconTrash size={15} />
        </ActionIcon>
      </Group>
    </div>
  );
}

function Add({ taken, add }: { taken: string[]; add: (name: string) => void }) {
  const [status, setStatus] = useState('');
  const isStatus = /^[345]\d\d$/.test(status);
  return (
    <Group gap="xs">
      <Select
        size="xs"
        w={190}
        aria-label="Add an exception for a kind of failure"
        placeholder="Add a kind of failure"
        data={CLASS_CHOICES.filter((choice) => !taken.includes(choice.value))}
        value={null}
        onChange={(name) => name && add(name)}
      />
      <TextInput
        size="xs"
        w={120}
        aria-label="Add an exception for a status"
        placeholder="or a status"
        inputMode="numeric"
        value={status}
        onChange={(event) => setStatus(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          if (isStatus) add(status);
          setStatus('');
        }}
      />
      <Button
        variant="default"
        leftSection={<IconPlus size={14} />}
        disabled={!isStatus || taken.includes(status)}
        onClick={() => {
          add(status);
          setStatus('');
        }}
      >
        Add
      </Button>
    </Group>
  );
}
