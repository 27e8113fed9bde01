// The fields of a delivery policy: the space's own, or what a webhook does differently.
import { NumberInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Breaker, Overrides, Policy } from '../../api/delivery';
import { scheduleWords } from '../../logic/policy';
import { SpanInput } from '../../parts/SpanInput';
import { ClassRules } from './ClassRules';

export interface PolicyProps {
  /** What is set here; what is missing is inherited. */
  value: Overrides;
  /** What counts in the end. */
  effective: Policy;
  /** What counts while a field is empty; none for the space's own policy. */
  inherited?: Policy;
  set: (change: Overrides) => void;
}

export function PolicyFields(props: PolicyProps) {
  return (
    <>
      <Schedule {...props} />
      <Limits {...props} />
      <BreakerFields {...props} />
      <ClassRules {...props} />
    </>
  );
}

export function Fieldset({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="kp-fieldset">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

function Schedule({ value, effective, inherited, set }: PolicyProps) {
  return (
    <Fieldset title="When an attempt fails">
      <div className="kp-fields">
        <Number
          label="Attempts"
          value={value.attempts}
          inherited={inherited?.attempts}
          min={1}
          max={100}
          change={(attempts) => set({ attempts })}
        />
        <SpanInput
          label="First wait"
          value={value.firstWaitMs}
          inherited={inherited?.firstWaitMs}
          change={(firstWaitMs) => set({ firstWaitMs })}
        />
        <Number
          label="Times longer each time"
          value={value.factor}
          inherited={inherited?.factor}
          min={1}
          max={100}
          decimal
          change={(factor) => set({ factor })}
        />
        <SpanInput
          label="Longest wait"
          value={value.maxWaitMs}
          inherited={inherited?.maxWaitMs}
          change={(maxWaitMs) => set({ maxWaitMs })}
        />
        <Number
          label="Jitter in %"
          value={value.jitter == null ? undefined : Math.round(value.jitter * 100)}
          inherited={inherited && Math.round(inherited.jitter * 100)}
          min={0}
          max={50}
          change={(percent) => set({ jitter: percent === undefined ? undefined : percent / 100 })}
        />
        <SpanInput
          label="Give up after"
          value={value.giveUpAfterMs}
          inherited={inherited?.giveUpAfterMs}
          change={(giveUpAfterMs) => set({ giveUpAfterMs })}
        />
      </div>
      <p className="kp-small kp-dim" aria-live="polite">
        {scheduleWords(effective)} A receiver’s Retry-After goes before.
      </p>
    </Fieldset>
  );
}

function Limits({ value, inherited, set }: PolicyProps) {
  return (
    <Fieldset title="How much at once, to one endpoint">
      <div className="kp-fields">
        <Number
          label="Deliveries under way"
          value={value.concurrency}
          inherited={inherited?.concurrency}
          min={1}
          change={(concurrency) => set({ concurrency })}
        />
        <Number
          label="Attempts a second"
          value={value.ratePerSecond ?? undefined}
          inherited={inherited?.ratePerSecond ?? undefined}
          none="As many as it takes"
          min={0}
          decimal
          change={(ratePerSecond) =>
            set({ ratePerSecond: ratePerSecond ?? (inherited ? undefined : null) })
          }
        />
      </div>
    </Fieldset>
  );
}

function BreakerFields({ value, effective, inherited, set }: PolicyProps) {
  const now = value.breaker;
  const change = (part: Partial<Breaker>) => {
    const next: Breaker = { ...effective.breaker, ...now, ...part };
    set({ breaker: next });
  };
  return (
    <Fieldset title="When an endpoint breaks">
      <div className="kp-fields">
        <Number
          label="Failures in a row that hold it"
          value={now?.failures}
          inherited={inherited?.breaker.failures}
          min={0}
          change={(failures) => failures !== undefined && change({ failures })}
        />
        <SpanInput
          label="Held for, at first"
          value={now?.openMs}
          inherited={inherited?.breaker.openMs}
          change={(openMs) => openMs !== undefined && change({ openMs })}
        />
        <SpanInput
          label="Held for, at most"
          value={now?.maxOpenMs}
          inherited={inherited?.breaker.maxOpenMs}
          change={(maxOpenMs) => maxOpenMs !== undefined && change({ maxOpenMs })}
        />
      </div>
      <p className="kp-small kp-dim">
        {effective.breaker.failures === 0
          ? 'It is never held: every job uses up its attempts.'
          : 'Jobs of a held endpoint wait without using up attempts, and drain slowly once a probe succeeds.'}
      </p>
    </Fieldset>
  );
}

interface NumberProps {
  label: string;
  value: number | undefined;
  inherited?: number;
  /** What an empty field means when nothing is inherited. */
  none?: string;
  min: number;
  max?: number;
  decimal?: boolean;
  change: (value: number | undefined) => void;
}

function Number({ label, value, inherited, none, min, max, decimal, change }: NumberProps) {
  return (
    <NumberInput
      label={label}
      placeholder={inherited === undefined ? none : String(inherited)}
      min={min}
      max={max}
      allowDecimal={decimal ?? false}
      value={value ?? ''}
      onChange={(next) => change(next === '' ? undefined : +next)}
    />
  );
}
