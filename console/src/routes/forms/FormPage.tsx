// Placeholder.
export const KappFormPage = () => null;
export const DatastoreFormPage = () => null;
