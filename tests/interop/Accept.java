import java.util.Base64;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import java.security.PrivilegedExceptionAction;
import org.ietf.jgss.GSSManager;

/**
 * Accepts GSS tokens as a Java service would, one base64 line each on standard input:
 * {@code java Accept.java KEYTAB PRINCIPAL} prints the client of each, or {@code refused: WHY}.
 */
public class Accept {
    public static void main(String[] arguments) throws Exception {
        var options = Map.of("useKeyTab", "true", "keyTab", arguments[0], "principal", arguments[1],
                "storeKey", "true", "isInitiator", "false", "doNotPrompt", "true");
        var module = new AppConfigurationEntry("com.sun.security.auth.module.Krb5LoginModule",
                LoginModuleControlFlag.REQUIRED, options);
        var configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {module};
            }
        };
        var login = new LoginContext("accept", new Subject(), null, configuration);
        login.login();
        var input = new String(System.in.readAllBytes());
        for (String line : input.split("\n")) {
            byte[] token = Base64.getDecoder().decode(line.trim());
            PrivilegedExceptionAction<String> accept = () -> {
                var context = GSSManager.getInstance().createContext((org.ietf.jgss.GSSCredential) null);
                context.acceptSecContext(token, 0, token.length);
                return context.getSrcName().toString();
            };
            try {
                System.out.println(Subject.doAs(login.getSubject(), accept));
            } catch (java.security.PrivilegedActionException refused) {
                System.out.println("refused: " + refused.getCause());
            }
        }
    }
}
