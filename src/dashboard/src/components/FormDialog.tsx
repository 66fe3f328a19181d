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

import { FaultContext } from './fault';
import { useSubmit } from './useSubmit';

interface FormDialogProps {
    title: string;
    /** What the button says that saves. */
    action: string;
    children: ReactNode;
    /** Saves; what it throws is shown, with its field if it is about one, and the form stays. */
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
}

/** A form in a dialog, shown while it is rendered. */
export function FormDialog({ title, action, children, onSubmit, onClose }: FormDialogProps) {
    const id = useId();
    const { form, isBusy, fault, submit } = useSubmit(onSubmit, onClose);
    return (
        <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
            <form ref={form} onSubmit={submit}>
                <DialogTitle id={id}>{title}</DialogTitle>
                <DialogContent>
                    <Stack spacing={2} sx={{ pt: 1 }}>
                        <FaultContext value={fault}>{children}</FaultContext>
                        {fault?.field === null && <Alert severity="error">{fault.message}</Alert>}
                    </Stack>
                </DialogContent>
                <DialogActions>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button type="submit" variant="contained" disabled={isBusy}>
                        {action}
                    </Button>
                </DialogActions>
            </form>
        </Dialog>
    );
}
