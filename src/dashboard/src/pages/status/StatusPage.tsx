import { Page } from '~/components/Page';

export default function StatusPage() {
    return <Page title="System status">{null}</Page>;
}
