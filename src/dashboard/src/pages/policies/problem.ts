import type { TextPlace } from '~/components/CodeEditor';
import { messageOf } from '~/components/States';

/** Why rules were not taken. */
export interface Problem {
    message: string;
    /** The file that it is about; nothing where it is about none. */
    file: string | null;
    at: TextPlace | null;
}

/** `file:line:column:`, as the compiler tells where something is wrong. */
const PLACE = /([\w.-]+):(\d+):(\d+):/;

/** Reads where something is wrong. Rules without a file are called `policy`. */
export function problemOf(error: unknown): Problem {
    const message = messageOf(error);
    const [, name, line, column] = PLACE.exec(message) ?? [];
    if (name === undefined) return { message, file: null, at: null };
    const at = { line: Number(line), column: Number(column) };
    return { message, file: name, at };
}
