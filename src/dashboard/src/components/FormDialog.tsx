import {
    Alert,
    Button,
    Dialog,
    DialogActions,
    DialogContent,
    DialogTitle,
    Stack,
} from '@mui/material';
import { useId, type ReactNode } from 'react';

import { FormContext } from './form';
import { useForm } from './useForm';

interface FormDialogProps {
    title: string;
    /** What the button says that saves. */
    action: string;
    children: ReactNode;
    /** Saves; what it throws is shown, and the form stays. */
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
    /** Whether it stays when it is done, to show what came of it. */
    stays?: boolean;
}

/**
 * A form in a dialog, shown while it is rendered. What the server refuses stands with the field that it
 * names, else below them all.
 */
export function FormDialog(props: FormDialogProps) {
    const { title, action, children, onSubmit, onClose, stays = false } = props;
    const id = useId();
    const onDone = stays ? undefined : onClose;
    const { ref, context, message, isBusy, submit } = useForm(onSubmit, onDone);
    return (
        <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
            <form ref={ref} onSubmit={submit}>
                <DialogTitle id={id}>{title}</DialogTitle>
                <DialogContent>
                    <Stack spacing={2} sx={{ pt: 1 }}>
                        <FormContext value={context}>{children}</FormContext>
                        {message !== null && <Alert severity="error">{message}</Alert>}
                    </Stack>
                </DialogContent>
                <DialogActions>
                    <Button onClick={onClose}>{stays ? 'Close' : 'Cancel'}</Button>
                    <Button type="submit" variant="contained" aria-busy={isBusy}>
                        {action}
                    </Button>
                </DialogActions>
            </form>
        </Dialog>
    );
}
