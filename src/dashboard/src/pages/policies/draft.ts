import type { Schemas } from '~/api/client';

/** What the server takes at most. */
export const FILES_MAX = 32;
export const TEXT_BYTES_MAX = 64 * 1024;
export const MODULE_BYTES_MAX = 1024 * 1024;
export const COMMENT_MAX = 200;
/** Names of files of rules. */
export const FILE_NAME = '[A-Za-z0-9_.\\-]{1,95}\\.rego';

/** Whether a file has rules, and not tests of them. */
export function isRules(name: string): boolean {
    return !name.endsWith('_test.rego');
}

/** Rules as they are written: texts by the names of their files. */
export type Files = Record<string, string>;

export const FIRST_FILES: Files = {
    'policy.rego': `package budgetguard.policy

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "one request may cost at most a dollar" if input.worst_case > 1
`,
};

/** The one text that there is beside tests; nothing where there are more. */
export function onlyText(files: Files): string | null {
    const [only, ...others] = Object.entries(files).filter(([name]) => isRules(name));
    return only !== undefined && others.length === 0 ? only[1] : null;
}

/** A module that was compiled elsewhere. */
export interface Module {
    name: string;
    base64: string;
}

export type Uploaded = { files: Files } | { module: Module };

async function base64Of(file: File): Promise<string> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
}

/** Reads what somebody chose on their machine: texts in Rego, or one module. */
export async function readUpload(list: readonly File[]): Promise<Uploaded> {
    const [first] = list;
    if (first?.name.endsWith('.wasm')) {
        if (list.length > 1) throw new Error('A module is uploaded alone');
        if (first.size > MODULE_BYTES_MAX) throw new Error('A module has at most 1 MiB');
        return { module: { name: first.name, base64: await base64Of(first) } };
    }
    if (list.length > FILES_MAX) throw new Error(`At most ${FILES_MAX} files`);
    const bytes = list.reduce((sum, file) => sum + file.size, 0);
    if (bytes > TEXT_BYTES_MAX) throw new Error('All files together have at most 64 KiB');
    const texts = list.map(async (file) => [file.name, await file.text()] as const);
    return { files: Object.fromEntries(await Promise.all(texts)) };
}

export type Bundle = Schemas['BundleBody'];
export type WholeBundle = Schemas['WholeBundleBody'];
