import { createContext } from 'react';

import { messageOf } from './States';

/** What the server found wrong with a form, and with which of its fields. */
export interface Fault {
    /** Nothing where it is about none that the form has. */
    field: string | null;
    message: string;
}

/** What is wrong with the form around. */
export const FaultContext = createContext<Fault | null>(null);

/**
 * An error for a form: the server's messages begin with the place of the field that they are about, such as
 * `rates/0/price`. A field has that place as its name, or the last part of it.
 */
export function faultOf(error: unknown, form: HTMLFormElement | null): Fault {
    const message = messageOf(error);
    const [place = ''] = message.split(/[\s:]/, 1);
    for (const name of [place, place.slice(place.lastIndexOf('/') + 1)]) {
        const field = name === '' ? null : form?.elements.namedItem(name);
        if (field instanceof HTMLElement) {
            field.focus();
            return { field: name, message };
        }
    }
    return { field: null, message };
}
