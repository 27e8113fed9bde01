// What a run was given and what it gave back: inputs, outputs, and the source data, folded.
import type { Run } from '../../api/types';
import { bytes, plural } from '../../logic/text';
import { Body } from '../../parts/Body';
import { Fold } from '../../parts/Fold';
import { Panel } from '../../parts/Page';

export function RunData({ run }: { run: Run }) {
  const source = run.sourceData ?? '';
  return (
    <div className="kp-stack">
      <Values title="Inputs" values={run.inputs} none="This tree was started without inputs." />
      <Values
        title="Outputs"
        values={run.outputs}
        none="No Return node has named any outputs so far."
      />
      <Fold title="Source data" hint={source ? bytes(new Blob([source]).size) : 'none'}>
        <Body label="Source data" text={source} maxHeight={560} />
      </Fold>
    </div>
  );
}

interface ValuesProps {
  title: string;
  values: Record<string, unknown> | undefined;
  none: string;
}

function Values({ title, values = {}, none }: ValuesProps) {
  const count = Object.keys(values).length;
  return (
    <Panel
      label={title}
      title={
        <>
          {title}{' '}
          <span className="kp-dim" style={{ fontWeight: 400 }}>
            {count > 0 && plural(count, 'value')}
          </span>
        </>
      }
    >
      {count ? (
        <Body label={title} value={values} maxHeight={360} />
      ) : (
        <span className="kp-dim">{none}</span>
      )}
    </Panel>
  );
}
