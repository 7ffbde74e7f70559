import java.io.File;
import org.apache.kerby.kerberos.kerb.client.KrbClient;
import org.apache.kerby.kerberos.kerb.type.ticket.SgtTicket;
import org.apache.kerby.kerberos.kerb.type.ticket.TgtTicket;

/**
 * Logs in with Apache Kerby's kerb-client, by a password or a keytab, and gets a ticket for a service:
 * {@code KerbyTicket REALM PORT (udp|tcp) CLIENT (password WORD | keytab FILE) SERVICE}.
 */
public final class KerbyTicket {
    private KerbyTicket() {
    }

    public static void main(String[] args) throws Exception {
        String realm = args[0];
        int port = Integer.parseInt(args[1]);
        KrbClient client = new KrbClient();
        client.setKdcRealm(realm);
        client.setKdcHost("127.0.0.1");
        boolean udp = args[2].equals("udp");
        client.setAllowUdp(udp);
        client.setAllowTcp(!udp);
        client.setKdcTcpPort(port);
        client.setKdcUdpPort(port);
        client.init();
        String name = args[3] + "@" + realm;
        TgtTicket tgt = args[4].equals("password")
                ? client.requestTgt(name, args[5])
                : client.requestTgt(name, new File(args[5]));
        System.out.println("TGT for " + tgt.getClientPrincipal() + " " + tgt.getSessionKey().getKeyType());
        SgtTicket ticket = client.requestSgt(tgt, args[6] + "@" + realm);
        System.out.println("ticket for " + ticket.getTicket().getSname() + " " + ticket.getSessionKey().getKeyType());
    }
}
