import { useRef, useState, type RefObject, type SubmitEvent } from 'react';

import { faultOf, type Fault } from './fault';

interface Submitting {
    form: RefObject<HTMLFormElement | null>;
    isBusy: boolean;
    fault: Fault | null;
    submit: (event: SubmitEvent) => void;
}

/** Sends a form, once at a time, and keeps what was wrong with it. */
export function useSubmit(send: () => Promise<unknown>, onDone: () => void): Submitting {
    const form = useRef<HTMLFormElement>(null);
    const [fault, setFault] = useState<Fault | null>(null);
    const [isBusy, setIsBusy] = useState(false);
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        // A dialog's form is, for React, inside the form of the page that opened it.
        event.stopPropagation();
        setIsBusy(true);
        setFault(null);
        send()
            .then(onDone, (error: unknown) => {
                setFault(faultOf(error, form.current));
            })
            .finally(() => {
                setIsBusy(false);
            });
    };
    return { form, isBusy, fault, submit };
}
