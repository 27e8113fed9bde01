// Placeholder.
export const KappSubmission = () => null;
export const DatastoreSubmission = () => null;
