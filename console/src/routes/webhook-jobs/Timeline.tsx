// Why a job is where it is: every change of its state, with the reason, and what it waits for.
import type { Moment } from '../../api/types';
import { momentState } from '../../logic/timeline';
import { ToneIcon } from '../../parts/Status';
import { When } from '../../parts/When';

interface Props {
  moments: Moment[];
  /** Opens an attempt that the timeline names. */
  show: (attempt: number) => void;
  /** Whether more will come by itself: the last line is about now. */
  going: boolean;
}

export function Timeline({ moments, show, going }: Props) {
  return (
    <ol className="kp-timeline" aria-label="Timeline">
      {moments.map((moment, index) => {
        const state = momentState(moment);
        const now = going && index === moments.length - 1;
        return (
          <li key={index} aria-current={now ? 'step' : undefined}>
            <span className="kp-timeline-icon kp-status" data-tone={state.tone} data-now={now}>
              <ToneIcon tone={state.tone} />
            </span>
            <strong className="kp-strong">{state.word}</strong>
            {moment.attempt != null && (
              <>
                {' '}
                <button
                  type="button"
                  className="kp-id"
                  style={{ cursor: 'pointer', margin: 0 }}
                  onClick={() => show(moment.attempt!)}
                >
                  attempt {moment.attempt}
                </button>
              </>
            )}
            {moment.reason && <div className="kp-timeline-reason">{moment.reason}</div>}
            <div className="kp-timeline-when">
              <When at={moment.at} clocked />
              <When at={moment.at} />
              {moment.actor && <span>by {moment.actor}</span>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
