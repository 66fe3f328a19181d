import { createContext, use, useCallback, useEffect, useState } from 'react';

import { ApiError } from '~/api/client';

import { messageOf } from './States';

const BAD_REQUEST = 400;

/** Why a form was not taken, and the field that it is about, if the message names one. */
export interface FormError {
    message: string;
    field: string | null;
}

interface FormContext {
    error: FormError | null;
    /** Says that there is such a field; gives what takes it back. */
    register: (name: string) => () => void;
}

export const FormContext = createContext<FormContext | null>(null);

/** Finds out which of a form's fields an error is about: the one that its message names first. */
export function formErrorOf(error: unknown, names: Iterable<string>): FormError {
    const message = messageOf(error);
    let [field, place]: [string | null, number] = [null, Infinity];
    if (error instanceof ApiError && error.status === BAD_REQUEST) {
        for (const name of names) {
            const at = message.search(new RegExp(`\\b${name}\\b`, 'i'));
            if (at >= 0 && at < place) [field, place] = [name, at];
        }
    }
    return { message, field };
}

/** What the server said about a field of the form around it. */
export function useFieldError(name: string): string | null {
    const form = use(FormContext);
    const register = form?.register;
    useEffect(() => register?.(name), [register, name]);
    return form?.error?.field === name ? form.error.message : null;
}

/** What somebody has put into a form so far, and how a part of it is changed. */
export function useDraft<T extends object>(start: T): [T, (part: Partial<T>) => void] {
    const [draft, setDraft] = useState(start);
    const change = useCallback((part: Partial<T>) => {
        setDraft((before) => ({ ...before, ...part }));
    }, []);
    return [draft, change];
}
