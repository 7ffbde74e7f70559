import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.kerberos.KerberosTicket;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

/**
 * One side of the conversation of gssapi_peer.py, by JAAS and JGSS.
 *
 * <pre>
 * JgssPeer accept SERVICE KEYTAB                      SERVICE as HTTP/web.shop
 * JgssPeer serve SERVICE KEYTAB each|once             every client, with a GSSCredential of its own or of the start
 * JgssPeer initiate [HOST:]PORT SERVICE password NAME WORD   SERVICE as HTTP@web.shop
 * JgssPeer initiate [HOST:]PORT SERVICE keytab NAME FILE
 * JgssPeer initiate [HOST:]PORT SERVICE ccache NAME FILE
 * JgssPeer renew NAME WORD
 * </pre>
 */
public final class JgssPeer {
    private static final byte[] SECRET = "wrapped with confidentiality".getBytes();
    private static final byte[] PLAIN = "wrapped with integrity alone".getBytes();
    private static final byte[] SIGNED = "a message whose MIC is sent".getBytes();
    private static final Oid KRB5;

    static {
        try {
            KRB5 = new Oid("1.2.840.113554.1.2.2");
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "accept" -> as(login(args[1], Map.of("keyTab", args[2], "useKeyTab", "true", "storeKey", "true",
                    "isInitiator", "false"), null), JgssPeer::accept);
            case "serve" -> as(login(args[1], Map.of("keyTab", args[2], "useKeyTab", "true", "storeKey", "true",
                    "isInitiator", "false"), null), () -> serve(args[3].equals("once")));
            case "initiate" -> {
                Subject subject = switch (args[3]) {
                    case "password" -> login(args[4], Map.of(), args[5]);
                    case "keytab" -> login(args[4], Map.of("keyTab", args[5], "useKeyTab", "true"), null);
                    default -> login(args[4], Map.of("ticketCache", args[5], "useTicketCache", "true"), null);
                };
                as(subject, () -> initiate(args[1], args[2]));
            }
            case "renew" -> renew(login(args[1], Map.of(), args[2]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private interface Action {
        void run() throws Exception;
    }

    private static void as(Subject subject, Action action) throws Exception {
        PrivilegedExceptionAction<Void> run = () -> {
            action.run();
            return null;
        };
        Subject.doAs(subject, run);
    }

    private static Subject login(String name, Map<String, String> settings, String password) throws Exception {
        Map<String, String> options = new HashMap<>(settings);
        options.put("principal", name);
        options.put("refreshKrb5Config", "true");
        if (password == null) {
            options.put("doNotPrompt", "true");
        }
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String application) {
                return new AppConfigurationEntry[] {new AppConfigurationEntry(
                        "com.sun.security.auth.module.Krb5LoginModule", LoginModuleControlFlag.REQUIRED, options)};
            }
        };
        LoginContext context = new LoginContext("peer", new Subject(), callbacks -> {
            for (Callback callback : callbacks) {
                if (callback instanceof NameCallback asked) {
                    asked.setName(name);
                } else if (callback instanceof PasswordCallback asked) {
                    asked.setPassword(password.toCharArray());
                }
            }
        }, configuration);
        context.login();
        return context.getSubject();
    }

    private static void renew(Subject subject) throws Exception {
        KerberosTicket ticket = subject.getPrivateCredentials(KerberosTicket.class).iterator().next();
        long before = ticket.getEndTime().getTime();
        Thread.sleep(1100);
        ticket.refresh();
        System.out.println("renewed " + (ticket.getEndTime().getTime() > before));
    }

    private static void accept() throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            System.out.println(listener.getLocalPort());
            try (Socket stream = listener.accept()) {
                converse(stream, credential());
            }
        }
    }

    private static void serve(boolean once) throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            GSSCredential ofStart = credential();
            System.out.println(listener.getLocalPort());
            while (true) {
                try (Socket stream = listener.accept()) {
                    converse(stream, once ? ofStart : credential());
                } catch (EOFException | GSSException e) {
                    System.out.println("failed " + e);
                }
            }
        }
    }

    private static GSSCredential credential() throws GSSException {
        return GSSManager.getInstance().createCredential(null, 0, KRB5, GSSCredential.ACCEPT_ONLY);
    }

    private static void converse(Socket stream, GSSCredential own) throws Exception {
        DataInputStream in = new DataInputStream(stream.getInputStream());
        DataOutputStream out = new DataOutputStream(stream.getOutputStream());
        GSSContext context = GSSManager.getInstance().createContext(own);
        while (!context.isEstablished()) {
            byte[] token = receive(in);
            byte[] answer = context.acceptSecContext(token, 0, token.length);
            send(out, answer == null ? new byte[0] : answer);
        }
        System.out.println("initiator " + context.getSrcName());
        System.out.println("target " + context.getTargName());
        for (int i = 0; i < 2; i++) {
            MessageProp prop = new MessageProp(false);
            byte[] wrapped = receive(in);
            byte[] message = context.unwrap(wrapped, 0, wrapped.length, prop);
            System.out.println("unwrapped " + new String(message) + (prop.getPrivacy() ? " encrypted" : " plain"));
            send(out, context.wrap(message, 0, message.length, new MessageProp(prop.getPrivacy())));
        }
        byte[] mic = receive(in);
        context.verifyMIC(mic, 0, mic.length, SIGNED, 0, SIGNED.length, new MessageProp(false));
        System.out.println("signature verified");
        send(out, context.getMIC(SIGNED, 0, SIGNED.length, new MessageProp(false)));
    }

    private static void initiate(String place, String service) throws Exception {
        int colon = place.lastIndexOf(':');
        InetAddress host = colon < 0 ? InetAddress.getLoopbackAddress() : InetAddress.getByName(place.substring(0, colon));
        try (Socket stream = new Socket(host, Integer.parseInt(place.substring(colon + 1)))) {
            DataInputStream in = new DataInputStream(stream.getInputStream());
            DataOutputStream out = new DataOutputStream(stream.getOutputStream());
            GSSManager manager = GSSManager.getInstance();
            GSSName name = manager.createName(service, GSSName.NT_HOSTBASED_SERVICE);
            GSSContext context = manager.createContext(name, KRB5, null, GSSContext.DEFAULT_LIFETIME);
            context.requestMutualAuth(true);
            context.requestConf(true);
            context.requestInteg(true);
            byte[] token = context.initSecContext(new byte[0], 0, 0);
            while (token != null) {
                send(out, token);
                if (context.isEstablished()) {
                    break;
                }
                byte[] answer = receive(in);
                token = context.initSecContext(answer, 0, answer.length);
            }
            System.out.println("mutual " + context.getMutualAuthState());
            exchange(in, out, context, SECRET, true);
            exchange(in, out, context, PLAIN, false);
            send(out, context.getMIC(SIGNED, 0, SIGNED.length, new MessageProp(false)));
            byte[] mic = receive(in);
            context.verifyMIC(mic, 0, mic.length, SIGNED, 0, SIGNED.length, new MessageProp(false));
            System.out.println("session complete");
        }
    }

    private static void exchange(DataInputStream in, DataOutputStream out, GSSContext context, byte[] message,
            boolean secret) throws Exception {
        send(out, context.wrap(message, 0, message.length, new MessageProp(secret)));
        byte[] wrapped = receive(in);
        if (!Arrays.equals(message, context.unwrap(wrapped, 0, wrapped.length, new MessageProp(false)))) {
            throw new IllegalStateException("another message came back");
        }
    }

    private static void send(DataOutputStream out, byte[] octets) throws Exception {
        out.writeInt(octets.length);
        out.write(octets);
        out.flush();
    }

    private static byte[] receive(DataInputStream in) throws Exception {
        byte[] octets = new byte[in.readInt()];
        in.readFully(octets);
        return octets;
    }
}
