import {
    useCallback,
    useMemo,
    useRef,
    useState,
    type ComponentProps,
    type RefObject,
    type SubmitEvent,
} from 'react';

import { formErrorOf, type FormContext, type FormError } from './form';

interface Form {
    ref: RefObject<HTMLFormElement | null>;
    /** What its fields need to know. */
    context: ComponentProps<typeof FormContext>['value'];
    /** What is wrong with the whole of it. */
    message: string | null;
    isBusy: boolean;
    submit: (event: SubmitEvent) => void;
}

/**
 * A form that is sent once at a time, and keeps what the server refused. Its button is not disabled while it
 * is sent: it would lose the focus, and the keys that are pressed next would go nowhere.
 */
export function useForm(send: () => Promise<unknown>, onDone?: () => void): Form {
    const ref = useRef<HTMLFormElement>(null);
    const fields = useRef(new Set<string>());
    const [error, setError] = useState<FormError | null>(null);
    const [isBusy, setIsBusy] = useState(false);
    const register = useCallback((name: string) => {
        const names = fields.current;
        names.add(name);
        return () => {
            names.delete(name);
        };
    }, []);
    const context = useMemo(() => ({ error, register }), [error, register]);
    const refuse = (cause: unknown) => {
        const next = formErrorOf(cause, fields.current);
        setError(next);
        const field = next.field === null ? null : ref.current?.elements.namedItem(next.field);
        if (field instanceof HTMLElement) field.focus();
    };
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        // A dialog's form is, for React, inside the form of the page that opened it.
        event.stopPropagation();
        if (isBusy) return;
        setIsBusy(true);
        setError(null);
        send()
            .then(onDone, refuse)
            .finally(() => {
                setIsBusy(false);
            });
    };
    const message = error !== null && error.field === null ? error.message : null;
    return { ref, context, message, isBusy, submit };
}
