// Why an attempt failed, as class and words. The classes are the server's.

const CLASSES: Record<string, string> = {
  dns: 'Name not found',
  connect: 'No connection',
  tls: 'TLS failed',
  timeout: 'Timed out',
  reset: 'Connection reset',
  protocol: 'Broken answer',
  http_4xx: 'Refused (4xx)',
  http_5xx: 'Server error (5xx)',
  redirect: 'Redirect',
  too_large: 'Answer too large',
  blocked: 'Address blocked',
  proxy: 'Proxy failed',
  auth: 'No credentials',
  tree_missing: 'No such tree',
  interrupted: 'Interrupted',
  internal: 'Fault of Kapok',
};

export const classWord = (name: string): string => CLASSES[name] ?? name.replaceAll('_', ' ');

export const CLASS_CHOICES = Object.entries(CLASSES).map(([value, label]) => ({ value, label }));
