// Chooses a stretch of time: a preset, or from and to in the viewer's zone or in UTC.
import { Button, Group, Popover, SegmentedControl, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCalendarTime, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { fromField, PRESETS, rangeWords, toField, zone, type Range } from '../logic/range';

interface Props {
  value: Range & { tz?: string };
  change: (range: Range & { tz?: string }) => void;
  /** Whether "any time" can be chosen. */
  clearable?: boolean;
}

const NONE = { range: undefined, from: undefined, to: undefined };

export function TimeRange({ value, change, clearable = true }: Props) {
  const [open, popover] = useDisclosure(false);
  const inUtc = value.tz === 'utc';
  const set = Boolean(value.range || value.from || value.to);
  return (
    <Popover opened={open} onChange={popover.toggle} position="bottom-start" trapFocus withinPortal>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconCalendarTime size={14} />}
          aria-label={`Time: ${rangeWords(value, inUtc)}`}
          onClick={popover.toggle}
        >
          {rangeWords(value, inUtc)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown w={330}>
        <div className="kp-stack" style={{ gap: 12 }}>
          <Group gap={6}>
            {PRESETS.map((preset) => (
              <Button
                key={preset.value}
                size="compact-xs"
                variant={value.range === preset.value && !value.from ? 'light' : 'default'}
                onClick={() => {
                  change({ ...NONE, range: preset.value });
                  popover.close();
                }}
              >
                {preset.label}
              </Button>
            ))}
          </Group>
          <Fixed key={`${value.from} ${value.to}`} value={value} change={change} inUtc={inUtc} />
          {clearable && set && (
            <Button
              variant="subtle"
              size="compact-xs"
              leftSection={<IconX size={13} />}
              onClick={() => {
                change(NONE);
                popover.close();
              }}
            >
              Any time
            </Button>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Fixed({ value, change, inUtc }: Props & { inUtc: boolean }) {
  const [from, setFrom] = useState(value.from);
  const [to, setTo] = useState(value.to);
  const own = zone(Date.now());
  const backwards = Boolean(from && to && from >= to);
  const field = (label: string, at: string | undefined, set: (at: string | undefined) => void) => (
    <TextInput
      type="datetime-local"
      size="xs"
      label={label}
      value={toField(at, inUtc)}
      error={backwards && label === 'To' ? 'The end lies before the beginning.' : undefined}
      onChange={(event) => set(fromField(event.currentTarget.value, inUtc))}
    />
  );
  return (
    <>
      {own !== 'UTC+0' && (
        <SegmentedControl
          size="xs"
          aria-label="Time zone"
          value={inUtc ? 'utc' : 'own'}
          onChange={(tz) => change({ ...value, tz: tz === 'utc' ? 'utc' : undefined })}
          data={[
            { value: 'own', label: own },
            { value: 'utc', label: 'UTC' },
          ]}
        />
      )}
      {field('From', from, setFrom)}
      {field('To', to, setTo)}
      <Button
        disabled={backwards || !(from || to)}
        onClick={() => change({ range: undefined, from, to })}
      >
        Use this time
      </Button>
    </>
  );
}
