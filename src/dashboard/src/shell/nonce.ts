const meta = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]');

/** What the server lets style sheets in by that scripts make: fresh for each load of the page. */
export const NONCE = meta?.content ?? '';
