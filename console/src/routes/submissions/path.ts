// The address of a submission's page.
import type { Place } from '../../api/forms';

export const submissionPath = (kapp: Place, id: string): string =>
  `/console/${kapp === null ? 'datastore/' : ''}submissions/${encodeURIComponent(id)}`;
